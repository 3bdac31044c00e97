"""The read models, one file each; `services.projections.declared_views` lists them."""

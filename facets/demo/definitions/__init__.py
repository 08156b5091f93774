"""The demo's facets, one module each. Yours live in modules of your own, named by HDEADMIN_FACETS."""

"""Make containers: manifests, signatures, bundles."""

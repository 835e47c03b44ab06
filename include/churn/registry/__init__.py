"""The model store: versions, their manifests, and which one is current."""

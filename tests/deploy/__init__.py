"""What people run the service with: the compose stack, the image, the manifests."""

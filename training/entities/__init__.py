"""The bundled entity pipeline: how its files are made."""

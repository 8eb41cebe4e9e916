"""The bundled encoder: fine-tuned on names and events together, quantised, and written as the graph that the service runs."""

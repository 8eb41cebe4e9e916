"""How good the pipeline is: gold sentences in, predictions of the real pipeline, figures with their uncertainty out."""

"""How the bundled assets are made: corpora, and the scripts that build and measure."""

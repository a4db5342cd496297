"""Which documents and parts there are: asked by their columns and by what stands in them; counted, read, or as SQL."""

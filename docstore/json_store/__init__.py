"""Documents in JSON files: ``save.save_experiment`` and ``load.load_experiment``."""

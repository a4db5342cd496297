"""docstore.testing"""

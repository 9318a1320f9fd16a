"""API keys, their roles and their quotas."""

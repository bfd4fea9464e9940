"""LLM Router: a self-hosted router for one person's prompts."""

__version__ = "0.2.0"

"""Better prompts: what a text asks for, fitted to a model; by rules, or by a language model."""

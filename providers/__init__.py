"""Adapters to video vendors: pure translation, and the catalogue of what each vendor offers."""

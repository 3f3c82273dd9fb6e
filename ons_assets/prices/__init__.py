"""Supermarket prices scraped from the web, and the price indices made of them."""

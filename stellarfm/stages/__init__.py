"""The way through the house: each stage is a function of content-addressed inputs and is never done twice.

A stage is given a home and settings, and gives back a small JSON-ready record of what it made. It works without
Prefect; `flows` only adds the scheduling, retries and artifacts.
"""

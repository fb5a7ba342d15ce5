"""Whether an artifact may replace the champion: stages `measure` and `gate`.

Each rule of params.yaml becomes one line of the verdict, which `release` obeys.
"""

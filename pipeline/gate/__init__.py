"""Whether an artifact may replace the champion: stages `measure` and `gate`.

Each rule of params.yaml becomes an entry of the verdict; `release` publishes and deploys only what passed.
"""

"""What computes predictions from validated columns: scikit-learn's own Pipeline, or the same model in another form.

`engine` reads a manifest's engines and loads them; a new engine is a module beside these and a row of `table`.
"""

"""The page for a pull request, in Markdown: stage `report`.

It is written from the files that the stages before left; nothing is computed here.
"""

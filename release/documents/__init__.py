"""What publish writes about an artifact for people and for inventories: a bill of materials, and a model card."""

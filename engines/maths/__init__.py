"""Mathematics shared by the families of `engines`: dice, compiled loops. This file is its door."""

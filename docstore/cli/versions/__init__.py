"""The commands about versions, under the names that git has for them."""

"""The price list of emulated accounts: the package's own prices, as the command line gives them to the local world."""

from eksprov.cost.price_list import products
from eksprov.local.contract import Product

PRODUCTS = tuple(Product(**each) for each in products())

"""What a stack costs: before and after, an hour and a month, resource by resource.

`items` turns the facts of a step, wanted or found, into quantities of priced things; `estimate` multiplies them; both
are pure. A price comes from the Price List API (`price_list`), from what it said lately (`cache`), or from the dated
table in this package (`table`); spot prices from their history (`spot`). What has no price is said to have none, never
taken for free. Traffic and whatever else is billed by use is named and left out.
"""

"""What the REST APIs of all capabilities share: who calls, how routes, bodies, times and answers look, what is wrong.

It stands between the capabilities and what is below them, and knows none of them (docs/adr/0013).
"""

"""An example app: what a tenant's app team builds on Offpeak, on one page and in a few files.

    python -m local.app --settings app.json --url-file app.url

It makes a driver, leads him to Offpeak's pages where he pairs a charger, shows what happens there, receives webhooks,
and has buttons for what a driver does by hand: plug in and unplug, at the simulated CPO.
"""

"""The write side: every change to the campaign, each in one transaction that only this layer commits."""

"""May this person do that?"""

"""Options of fuzz campaigns, and Hypothesis' profiles.

In: nothing. Out: the plugin, loaded here because pytest reads only the ``conftest.py`` files
above the paths it finds on the command line, and an option's file counts as one.
"""

pytest_plugins = ["tests.fuzz.plugin"]

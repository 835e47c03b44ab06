from tests import properties

properties.load()

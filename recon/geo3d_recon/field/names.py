"""What a bundle that holds a field is known by; imports nothing, so that asking costs nothing."""

FIELD_FILE = "field.json"
FIELD_VERSION = 1

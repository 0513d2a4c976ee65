"""The pages of appeals: lists, one appeal, its progress, sharing."""

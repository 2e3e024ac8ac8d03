"""Widgets: line-rendered boards, sparks, dialogs."""

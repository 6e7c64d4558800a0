"""Tests of export and of the samples it uses."""

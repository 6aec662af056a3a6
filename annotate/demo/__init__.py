"""The demo: a small multilingual corpus that ships with the package, and two scripted people who annotate it."""

from annotate.demo.annotators import ANNOTATORS, Answer, DemoAnnotator, answer, corpus_folder

__all__ = ["ANNOTATORS", "Answer", "DemoAnnotator", "answer", "corpus_folder"]

"""The check of a labeling config that Label Studio lacks: its own does not see labels in imported annotations, and an update
does not even ask it."""

from __future__ import annotations

from annotate.errors import ConfigRefused
from annotate.labelstudio.client import Client, Project
from annotate.labelstudio.config_reading import read_config
from annotate.labelstudio.relabeling import in_words, usage_of
from annotate.schema.diff import keys


def require_labels_kept(client: Client, project: Project, config: str) -> None:
    """`ConfigRefused` when a config lacks labels that annotations or drafts of the project hold, with counts per label. The
    tasks are read only when a label goes."""
    lost = [key for key in keys(read_config(project.label_config)) if key not in keys(read_config(config))]
    if not lost:
        return
    tasks = []
    for task in client.tasks(project.id):
        if task.get("draft_exists"):
            task["drafts"] = client.drafts(int(task["id"]))
        tasks.append(task)
    usage = usage_of(tasks)
    used = [f"{'/'.join(key)} ({in_words(usage.counts(key))})" for key in lost if usage.of(key)]
    if used:
        raise ConfigRefused(
            f"labels that project {project.id} ({project.title}) uses would go: {', '.join(used)}",
            hint="annotate schema migrate takes the answers along; or keep the labels, with deprecated: true",
        )

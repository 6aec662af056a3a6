"""A fake Label Studio, so that scripts which import and export can be tested without a server.

    from label_studio_sdk import LabelStudio

    from annotate.testing import FakeLabelStudio

    with FakeLabelStudio() as fake:
        client = LabelStudio(base_url=fake.url, api_key=fake.token)
        project = client.projects.create(title="ferries", label_config='<View><Text name="text" value="$text"/></View>')
        fake.fail_next("gateway", path="/import")  # the next import is stored, but a proxy answers 504 …
        client.projects.import_tasks(project.id, request=[{"text": "Lautta Ouluun."}])
        print(len(list(client.tasks.list(project=project.id))))  # 2: … and the SDK sends it again

It answers over HTTP on 127.0.0.1, to `annotate`, to `label-studio-sdk` and to anything else, and behaves as Label Studio 1.23
was measured to behave, its quirks included: nothing is ever recognised as a duplicate, a batch with one bad task is refused as
a whole, bad predictions are dropped without a word, imported annotations are ground truth unless told otherwise. annotate's own
tests of push and pull run against the fake and against the real server.

An address it does not know (the Enterprise edition, storages, webhooks, machine learning backends) is answered as the Community
edition does: status 404 and a web page. Options it knows of but does not follow (other export formats, filters of snapshots)
are answered with status 501, so that a test cannot pass by mistake.

For pytest, `from annotate.testing.plugin import label_studio` in a `conftest.py` gives a fixture.
"""

from annotate.testing.server import FakeLabelStudio, Fault, Request

__all__ = ["FakeLabelStudio", "Fault", "Request"]

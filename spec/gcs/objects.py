"""objects: buckets and the objects in them: bytes in files, names in order, preconditions.

A Blob is a file that grows and its checksums, which become an object's bytes. A Store gives every
object that is committed a generation, keeps only the live one of a name, and lets a reader that
has opened the file of an earlier one read on. All of it under one lock; bytes are never copied
under it.
"""
import base64
import bisect
import hashlib
import os
import re
import threading
import time

import crc32c
from problem import Problem

NAME_MAX = 1024            # bytes of an object's name, in UTF-8
COMPOSE_MAX = 32           # sources of one compose
COPY_BLOCK = 1 << 30
FIELDS = ("contentType", "contentEncoding", "contentDisposition", "contentLanguage",
          "cacheControl", "customTime", "storageClass", "metadata")
CONDITIONS = ("ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch",
              "ifMetagenerationNotMatch")


def stamp(seconds):
    """RFC 3339 in UTC, with milliseconds."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds * 1000) % 1000:03d}Z"


def check_name(name):
    """Refuses names that no object may have."""
    size = len(name.encode("utf-8", "surrogateescape"))
    if not 1 <= size <= NAME_MAX or re.search(r"[\r\n]", name) or name in (".", ".."):
        raise Problem(400, message="Invalid argument: an object name has 1 to 1024 bytes of "
                      "UTF-8, no carriage return and no line feed")
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Problem(400, message="Invalid argument: an object name is UTF-8") from error


class Blob:
    """Bytes in a file, and their checksums. With `md5_max` bytes it has no MD5 any more."""

    def __init__(self, path, md5_max):
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self.size = 0
        self.crc = 0
        self.md5_max = md5_max
        self.md5 = hashlib.md5(usedforsecurity=False) if md5_max > 0 else None
        self.known_md5 = None  # of bytes that were copied
        self.component_count = None

    def append(self, view):
        """Adds bytes: a writable memoryview."""
        written = 0
        while written < len(view):
            written += os.pwrite(self.descriptor, view[written:], self.size + written)
        self.crc = crc32c.update(self.crc, view)
        self.size += len(view)
        if self.md5 is not None and self.size > self.md5_max:
            self.md5 = None
        elif self.md5 is not None:
            self.md5.update(view)

    def append_object(self, source):
        """Adds an object's bytes, by the kernel."""
        descriptor = source.open()
        try:
            at = 0
            while at < source.size:
                count = os.copy_file_range(descriptor, self.descriptor,
                                           min(COPY_BLOCK, source.size - at), at, self.size + at)
                if count == 0:
                    raise Problem(500, message="an object's file is shorter than it was")
                at += count
        finally:
            os.close(descriptor)
        self.crc = crc32c.combine(self.crc, source.crc, source.size)
        self.size += source.size

    def close(self):
        """Nothing is added any more."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def discard(self):
        """It becomes no object."""
        self.close()
        if os.path.exists(self.path):
            os.unlink(self.path)

    def check(self, crc_text, md5_text):
        """Refuses it if a checksum that the client gave is another."""
        if crc_text is not None:
            try:
                wanted = crc32c.decode(crc_text)
            except ValueError as error:
                raise Problem(400, message=f"Invalid crc32c: {error}") from error
            if wanted != self.crc:
                raise Problem(400, message=f'Provided CRC32C "{crc_text}" doesn\'t match '
                              f'calculated CRC32C "{crc32c.encode(self.crc)}".')
        own = self.md5_text()
        if md5_text is not None and own is not None and md5_text != own:
            raise Problem(400, message=f'Provided MD5 hash "{md5_text}" doesn\'t match calculated '
                          f'MD5 hash "{own}".')

    def md5_text(self):
        """As JSON has it; None if nobody knows."""
        if self.md5 is None:
            return self.known_md5
        return base64.b64encode(self.md5.digest()).decode()


class Object:
    """A committed object. Only its fields and metageneration ever change."""

    def __init__(self, bucket, name, blob, fields, generation):
        self.bucket = bucket
        self.name = name
        self.path = blob.path
        self.size = blob.size
        self.crc = blob.crc
        self.md5 = blob.md5_text()
        self.component_count = blob.component_count
        self.generation = generation
        self.metageneration = 1
        self.fields = {key: fields[key] for key in FIELDS if fields.get(key) is not None}
        self.created = self.updated = time.time()

    def open(self):
        """A descriptor of its bytes, which stays good when the object goes."""
        return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def hashes(self):
        """The values of x-goog-hash."""
        md5 = [f"md5={self.md5}"] if self.md5 else []
        return [f"crc32c={crc32c.encode(self.crc)}"] + md5

    def resource(self, base, quote):
        """What JSON says of it; `base` is the URL of the server, `quote` encodes a name."""
        path = f"storage/v1/b/{self.bucket}/o/{quote(self.name)}"
        resource = {
            "kind": "storage#object",
            "id": f"{self.bucket}/{self.name}/{self.generation}",
            "selfLink": f"{base}/{path}",
            "mediaLink": f"{base}/download/{path}?generation={self.generation}&alt=media",
            "name": self.name, "bucket": self.bucket, "generation": str(self.generation),
            "metageneration": str(self.metageneration), "storageClass": "STANDARD",
            "size": str(self.size), "crc32c": crc32c.encode(self.crc), "etag": self.etag(),
            "timeCreated": stamp(self.created), "updated": stamp(self.updated),
            "timeStorageClassUpdated": stamp(self.created), "timeFinalized": stamp(self.created),
        }
        if self.md5:
            resource["md5Hash"] = self.md5
        if self.component_count:
            resource["componentCount"] = self.component_count
        resource.update(self.fields)
        return resource

    def etag(self):
        """Changes with every change."""
        text = f"{self.generation}/{self.metageneration}".encode()
        return base64.b64encode(hashlib.blake2b(text, digest_size=9).digest()).decode()


class Bucket:
    """Names in the order of their bytes (which is that of their code points), and objects."""

    def __init__(self, name, fields):
        self.name = name
        self.fields = fields
        self.created = time.time()
        self.names = []
        self.objects = {}
        self.last_write = {}  # name: when it was last changed

    def resource(self, base):
        """What JSON says of it."""
        return {"kind": "storage#bucket", "id": self.name, "name": self.name,
                "selfLink": f"{base}/storage/v1/b/{self.name}", "projectNumber": "123456789012",
                "location": "US-CENTRAL1", "locationType": "region", "storageClass": "STANDARD",
                "metageneration": "1", "etag": "CAE=", "timeCreated": stamp(self.created),
                "updated": stamp(self.created),
                "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
                **self.fields}


class Conditions:
    """The preconditions of a request, from its query; `prefix` "ifSource" for those of a source."""

    def __init__(self, query, prefix="if"):
        self.values = {}
        for key in CONDITIONS:
            text = query.get(prefix + key[2:])
            if text is None:
                continue
            if not re.fullmatch(r"-?\d+", text):
                raise Problem(400, message=f"Invalid value for {prefix + key[2:]}: {text}")
            self.values[key] = int(text)

    def is_pinned(self):
        """Whether a repetition cannot do harm."""
        return "ifGenerationMatch" in self.values

    def check(self, found, is_read=False):
        """Refuses the request if they do not hold for `found`, an Object or None."""
        generation = found.generation if found else 0
        metageneration = found.metageneration if found else None
        get = self.values.get
        if (get("ifGenerationMatch", generation) != generation
                or get("ifMetagenerationMatch", metageneration) != metageneration):
            raise Problem(412)
        if ("ifGenerationNotMatch" in self.values
                and get("ifGenerationNotMatch") == generation
                or found and get("ifMetagenerationNotMatch") == metageneration):
            raise Problem(304 if is_read else 412)


class Store:
    """All buckets. `folder` holds the files; `settings` may change at any time."""

    def __init__(self, folder, settings, violate):
        self.folder = folder
        self.settings = settings
        self.violate = violate  # violate(kind, detail)
        self.lock = threading.RLock()
        self.buckets = {}
        self.last_generation = 0
        self.blob_count = 0
        os.makedirs(folder, exist_ok=True)

    def new_blob(self):
        """An empty blob in a file of its own."""
        with self.lock:
            self.blob_count += 1
            path = os.path.join(self.folder, f"blob-{self.blob_count}")
        return Blob(path, self.settings["md5_max"])

    def add_bucket(self, name, fields):
        """A new bucket."""
        if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]", name):
            raise Problem(400, message=f"Invalid bucket name: '{name}'")
        with self.lock:
            if name in self.buckets:
                raise Problem(409)
            self.buckets[name] = Bucket(name, fields)
            return self.buckets[name]

    def bucket(self, name):
        """The bucket, or 404."""
        if name not in self.buckets:
            raise Problem(404, message="The specified bucket does not exist.")
        return self.buckets[name]

    def live(self, bucket, name):
        """The live object of that name, or None. 404 if there is no such bucket."""
        return self.bucket(bucket).objects.get(name)

    def find(self, bucket, name, generation=None):
        """The object, or 404: also for a generation that is not the live one."""
        found = self.live(bucket, name)
        if found is None or (generation is not None and str(found.generation) != generation):
            raise Problem(404, message=f"No such object: {bucket}/{name}")
        return found

    def _next_generation(self):
        self.last_generation = max(self.last_generation + 1, int(time.time() * 1e6))
        return self.last_generation

    def _pass_rate(self, bucket, name):
        """Notes a change of `name`. Refuses it, if the rate is limited, within a second of the
        last one."""
        now = time.monotonic()
        if now - bucket.last_write.get(name, -1e9) < self.settings["write_interval_s"]:
            self.violate("hot-name", name)
            if self.settings["limit_rate"]:
                raise Problem(429)
        bucket.last_write[name] = now

    def commit(self, bucket, name, blob, fields, conditions):
        """Makes a blob the live object of that name. The blob is used up."""
        check_name(name)
        with self.lock:
            place = self.bucket(bucket)
            old = place.objects.get(name)
            conditions.check(old)
            self._pass_rate(place, name)
            blob.close()
            new = Object(bucket, name, blob, fields, self._next_generation())
            if old is None:
                bisect.insort(place.names, name)
            else:
                os.unlink(old.path)
            place.objects[name] = new
            return new

    def delete(self, bucket, name, generation, conditions):
        """Deletes the live object."""
        with self.lock:
            place = self.bucket(bucket)
            found = self.find(bucket, name, generation)
            conditions.check(found)
            self._pass_rate(place, name)
            self._forget(place, name)
            os.unlink(found.path)

    @staticmethod
    def _forget(place, name):
        del place.objects[name]
        del place.names[bisect.bisect_left(place.names, name)]

    def change(self, bucket, name, generation, conditions, fields, is_whole):
        """Changes what may be changed: patch (null deletes), or, `is_whole`, update."""
        with self.lock:
            place = self.bucket(bucket)
            found = self.find(bucket, name, generation)
            conditions.check(found)
            self._pass_rate(place, name)
            kept = {} if is_whole else dict(found.fields)
            for key in FIELDS:
                if key not in fields:
                    continue
                if key == "metadata" and fields[key] is not None:
                    whole = {**kept.get(key, {}), **fields[key]}
                    kept[key] = {k: v for k, v in whole.items() if v is not None}
                else:
                    kept[key] = fields[key]
            found.fields = {key: value for key, value in kept.items() if value is not None}
            found.metageneration += 1
            found.updated = time.time()
            return found

    def copy(self, source, bucket, name, fields, conditions):
        """A new object with the bytes of another, which share a file."""
        blob = self.new_blob()
        blob.close()
        os.unlink(blob.path)
        try:
            os.link(source.path, blob.path)
        except FileNotFoundError as error:
            raise Problem(404, message=f"No such object: {source.bucket}/{source.name}") from error
        blob.size, blob.crc, blob.component_count = source.size, source.crc, source.component_count
        blob.md5, blob.known_md5 = None, source.md5
        try:
            return self.commit(bucket, name, blob, fields, conditions)
        except Problem:
            blob.discard()
            raise

    def compose(self, bucket, sources, name, fields, conditions):
        """A new object of the bytes of others, in order. It has no MD5."""
        blob = self.new_blob()
        blob.md5 = None
        try:
            for source in sources:
                blob.append_object(source)
            blob.component_count = sum(source.component_count or 1 for source in sources)
            return self.commit(bucket, name, blob, fields, conditions)
        except (Problem, FileNotFoundError) as error:
            blob.discard()
            if isinstance(error, Problem):
                raise
            raise Problem(404, message="a source has gone") from error

    def move(self, bucket, name, to, conditions, source_conditions):
        """Renames, at once or not at all."""
        check_name(to)
        if to == name:
            raise Problem(400, message="source and destination of a move are one name")
        with self.lock:
            place = self.bucket(bucket)
            source = self.find(bucket, name)
            source_conditions.check(source)
            conditions.check(place.objects.get(to))
            new = self.copy(source, bucket, to, source.fields, Conditions({}))
            self._forget(place, name)
            os.unlink(source.path)
            return new

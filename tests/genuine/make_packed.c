/* Makes a compressed or a partitioned database.
 *
 * make_packed FILE ORDER PAGESIZE KIND RECORDS
 *
 * ORDER is 1234 or 4321. KIND has letters: h HASH instead of BTREE, c compressed, d sorted
 * duplicates, m many duplicates of some keys, o long values and keys, k checksums, r partitions by
 * ranges of keys, f partitions by a function, s one of several databases, x every third pair is
 * deleted again.
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(int error, const char *what)
{
	if (error != 0) {
		fprintf(stderr, "%s: %s\n", what, db_strerror(error));
		exit(1);
	}
}

static u_int32_t part(DB *db, DBT *key)
{
	u_int32_t sum = 0, i;

	(void)db;
	for (i = 0; i < key->size; i++)
		sum += ((unsigned char *)key->data)[i];
	return sum % 4;
}

static unsigned state = 1;

static unsigned any(unsigned below)
{
	state = state * 1103515245u + 12345u;
	return (state >> 8) % below;
}

int main(int argc, char **argv)
{
	static char key_bytes[1 << 16], data_bytes[1 << 17];
	DB *db;
	DBT key, data, bounds[3];
	const char *kind;
	u_int32_t flags = 0;
	int i, j, n, copies;

	if (argc != 6)
		return 2;
	kind = argv[4];
	n = atoi(argv[5]);
	check(db_create(&db, NULL, 0), "create");
	check(db->set_lorder(db, atoi(argv[2])), "order");
	check(db->set_pagesize(db, (u_int32_t)atoi(argv[3])), "page size");
	if (strchr(kind, 'd'))
		flags |= DB_DUP | DB_DUPSORT;
	if (strchr(kind, 'k'))
		flags |= DB_CHKSUM;
	check(db->set_flags(db, flags), "flags");
	if (strchr(kind, 'c'))
		check(db->set_bt_compress(db, NULL, NULL), "compress");
	memset(bounds, 0, sizeof bounds);
	for (i = 0; i < 3; i++) {
		static const char *starts[] = { "b", "key/0003", "m" };
		bounds[i].data = (void *)starts[i];
		bounds[i].size = (u_int32_t)strlen(starts[i]);
	}
	if (strchr(kind, 'r'))
		check(db->set_partition(db, 4, bounds, NULL), "partition");
	if (strchr(kind, 'f'))
		check(db->set_partition(db, 4, NULL, part), "partition");
	check(db->open(db, NULL, argv[1], strchr(kind, 's') ? "inner" : NULL,
	    strchr(kind, 'h') ? DB_HASH : DB_BTREE, DB_CREATE, 0600), "open");
	for (i = 0; i < n; i++) {
		memset(&key, 0, sizeof key);
		memset(&data, 0, sizeof data);
		key.data = key_bytes;
		key.size = (u_int32_t)sprintf(key_bytes, "%s%06d", i % 7 == 0 ? "a/" : i % 5 == 0 ? "zz/" : "key/", i * 7 % n);
		if (strchr(kind, 'o') && i % 41 == 0) {
			memset(key_bytes + key.size, 'K', 3000);
			key.size += 3000;
		}
		copies = strchr(kind, 'd') && i % 10 == 0 ? 6 : 1;
		if (strchr(kind, 'm') && i % 50 == 0)
			copies = 400;
		for (j = 0; j < copies; j++) {
			int len = sprintf(data_bytes, "value of %d %05d ", i, (int)any(100000));
			int more = (int)any(40);

			memset(data_bytes + len, 'a' + j % 26, (size_t)more);
			len += more;
			if (strchr(kind, 'o') && i % 17 == 0 && j % 3 == 0) {
				memset(data_bytes + len, 'v', 5000);
				len += 5000;
			}
			data.data = data_bytes;
			data.size = (u_int32_t)len;
			check(db->put(db, NULL, &key, &data, 0), "put");
		}
	}
	for (i = 0; strchr(kind, 'x') && i < n; i += 3) {
		memset(&key, 0, sizeof key);
		key.data = key_bytes;
		key.size = (u_int32_t)sprintf(key_bytes, "%s%06d", i % 7 == 0 ? "a/" : i % 5 == 0 ? "zz/" : "key/", i * 7 % n);
		(void)db->del(db, NULL, &key, 0);
	}
	check(db->close(db, 0), "close");
	return 0;
}

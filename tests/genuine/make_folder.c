/*
 * Makes a folder of files as other programs keep them, by the public interface of
 * libdb 5.3: for runs of every command over what is met in the wild.
 *
 *   make_folder FOLDER
 *
 * FOLDER must exist and be empty. What is written is the same each time, but for
 * times and file ids. The password of the encrypted file is "secret".
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static DB_ENV *env;

static void must(int ret, const char *what)
{
	if (ret != 0) {
		fprintf(stderr, "make_folder: %s: %s\n", what, db_strerror(ret));
		exit(1);
	}
}

/* What a file is made like; zeros mean the defaults. */
struct shape {
	DBTYPE type;
	u_int32_t flags;
	int order;
	u_int32_t page_size;
	u_int32_t re_len;
	int custom;
	int compressed;
	int encrypted;
};

static int backwards(DB *db, const DBT *a, const DBT *b)
{
	u_int32_t n = a->size < b->size ? a->size : b->size;
	int order = memcmp(b->data, a->data, n);
	(void)db;
	return order != 0 ? order : (int)b->size - (int)a->size;
}

static DB *open_db(const char *file, const char *name, struct shape s)
{
	DB *db;
	must(db_create(&db, env, 0), "create");
	if (s.encrypted)
		must(db->set_encrypt(db, "secret", DB_ENCRYPT_AES), "encrypt");
	if (s.flags)
		must(db->set_flags(db, s.flags), "flags");
	if (s.order)
		must(db->set_lorder(db, s.order), "order");
	must(db->set_pagesize(db, s.page_size ? s.page_size : 4096), "page size");
	if (s.re_len)
		must(db->set_re_len(db, s.re_len), "record length");
	if (s.custom == 1)
		must(db->set_bt_compare(db, backwards), "compare");
	if (s.custom == 2)
		must(db->set_dup_compare(db, backwards), "compare duplicates");
	if (s.compressed)
		must(db->set_bt_compress(db, NULL, NULL), "compress");
	must(db->open(db, NULL, file, name, s.type, DB_CREATE | (env ? DB_AUTO_COMMIT : 0), 0644), file);
	return db;
}

static void put(DB *db, const void *key, size_t key_size, const void *value, size_t size)
{
	DBT k, v;
	memset(&k, 0, sizeof k);
	memset(&v, 0, sizeof v);
	k.data = (void *)key;
	k.size = (u_int32_t)key_size;
	v.data = (void *)value;
	v.size = (u_int32_t)size;
	must(db->put(db, NULL, &k, &v, 0), "put");
}

static void append(DB *db, const char *text, size_t size)
{
	DBT k, v;
	memset(&k, 0, sizeof k);
	memset(&v, 0, sizeof v);
	v.data = (void *)text;
	v.size = (u_int32_t)size;
	must(db->put(db, NULL, &k, &v, DB_APPEND), "append");
}

static void text(DB *db, const char *key, const char *value) { put(db, key, strlen(key), value, strlen(value)); }

static void done(DB *db) { must(db->close(db, 0), "close"); }

static void filled(const char *file, const char *name, struct shape s, const char *prefix, int n, int each)
{
	DB *db = open_db(file, name, s);
	char key[64], value[128];
	int i, j;
	for (i = 0; i < n; i++)
		for (j = 0; j < each; j++) {
			snprintf(key, sizeof key, "%s%04d", prefix, i);
			snprintf(value, sizeof value, "value %04d of %s, %d", i, prefix, j);
			text(db, key, value);
		}
	done(db);
}

static void long_values(const char *file, struct shape s, int n)
{
	DB *db = open_db(file, NULL, s);
	char *value = malloc(40000), key[32];
	int i;
	for (i = 0; i < n; i++) {
		memset(value, 'a' + i % 26, 40000);
		snprintf(key, sizeof key, "long%03d", i);
		put(db, key, strlen(key), value, 2000 + 900 * (size_t)i);
	}
	free(value);
	done(db);
}

static void numbered(const char *file, struct shape s, int n)
{
	DB *db = open_db(file, NULL, s);
	char value[64];
	int i;
	for (i = 0; i < n; i++) {
		snprintf(value, sizeof value, "record %05d", i);
		append(db, value, strlen(value));
	}
	done(db);
}

/* rpm keeps headers by number in a HASH file and indices in BTREE and HASH files. */
static void rpm(void)
{
	struct shape hash = { DB_HASH, 0 }, tree = { DB_BTREE, 0 };
	DB *db = open_db("Packages", NULL, hash);
	char header[3000];
	u_int32_t i;
	for (i = 0; i < 60; i++) {
		memset(header, (int)('A' + i % 26), sizeof header);
		put(db, &i, sizeof i, header, 200 + 45 * i);
	}
	done(db);
	filled("Name", NULL, tree, "package", 60, 1);
	filled("Basenames", NULL, tree, "bin/tool", 400, 1);
	filled("Requirename", NULL, hash, "lib", 80, 1);
	filled("Providename", NULL, tree, "cap", 120, 1);
}

/* An environment with logs, as Subversion's first back end has it. */
static void svn(void)
{
	struct shape tree = { DB_BTREE, 0 }, dups = { DB_BTREE, DB_DUP }, recno = { DB_RECNO, 0 };
	must(mkdir("svn", 0755), "svn");
	must(chdir("svn"), "svn");
	must(db_env_create(&env, 0), "environment");
	must(env->set_lg_bsize(env, 16384), "log buffer");
	must(env->set_lg_max(env, 65536), "log size");
	must(env->open(env, ".", DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN, 0644), "svn");
	filled("nodes", NULL, tree, "0.0.", 90, 1);
	filled("changes", NULL, dups, "txn", 20, 6);
	filled("copies", NULL, tree, "copy", 10, 1);
	filled("representations", NULL, tree, "rep", 90, 1);
	filled("strings", NULL, dups, "str", 30, 3);
	numbered("revisions", recno, 25);
	numbered("uuids", recno, 1);
	must(env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint");
	must(env->close(env, 0), "close svn");
	env = NULL;
	must(chdir(".."), "svn");
}

int main(int argc, char **argv)
{
	struct shape tree = { DB_BTREE, 0 }, hash = { DB_HASH, 0 }, recno = { DB_RECNO, 0 };
	struct shape dups = { DB_BTREE, DB_DUP }, sorted = { DB_BTREE, DB_DUPSORT };
	struct shape big = { DB_BTREE, 0, 4321 }, sums = { DB_BTREE, DB_CHKSUM }, hash_sums = { DB_HASH, DB_CHKSUM };
	struct shape numbers = { DB_BTREE, DB_RECNUM }, small = { DB_BTREE, 0, 0, 512 };
	struct shape custom = { DB_BTREE, 0, 0, 0, 0, 1 }, custom_dups = { DB_BTREE, DB_DUPSORT, 0, 0, 0, 2 };
	struct shape compressed = { DB_BTREE, 0, 0, 0, 0, 0, 1 }, secret = { DB_BTREE, 0, 0, 0, 0, 0, 0, 1 };
	struct shape queue = { DB_QUEUE, 0, 0, 0, 24 }, fixed = { DB_RECNO, 0, 0, 0, 32 }, heap = { DB_HEAP, 0 };
	if (argc != 2 || chdir(argv[1]) != 0) {
		fprintf(stderr, "usage: make_folder FOLDER\n");
		return 2;
	}
	rpm();
	svn();
	/* A wallet: everything in one database of a name. */
	filled("wallet.dat", "main", tree, "\x04name", 50, 1);
	/* Maps of postfix. */
	filled("aliases.db", NULL, hash, "user", 90, 1);
	filled("virtual.db", NULL, tree, "list@example.org/", 70, 1);
	filled("transport.db", NULL, hash_sums, "example.org/", 30, 1);
	filled("empty-tree.db", NULL, tree, "", 0, 0);
	filled("empty-hash.db", NULL, hash, "", 0, 0);
	filled("empty-several.db", "one", tree, "", 0, 0);
	filled("empty-several.db", "two", hash, "", 0, 0);
	filled("custom.db", NULL, custom, "key", 300, 1);
	filled("custom-dups.db", NULL, custom_dups, "key", 4, 300);
	filled("checksummed.db", NULL, sums, "key", 300, 1);
	filled("big-endian.db", NULL, big, "key", 200, 2 - 1);
	filled("duplicates.db", NULL, dups, "key", 5, 200);
	filled("sorted.db", NULL, sorted, "key", 5, 200);
	filled("numbers.db", NULL, numbers, "key", 400, 1);
	filled("small-pages.db", NULL, small, "key", 400, 1);
	filled("compressed.db", NULL, compressed, "key", 400, 1);
	filled("encrypted.db", NULL, secret, "key", 60, 1);
	filled("several.db", "tree", tree, "key", 60, 1);
	filled("several.db", "hash", hash, "key", 60, 1);
	filled("several.db", "duplicates", dups, "key", 6, 20);
	numbered("recno.db", recno, 120);
	numbered("fixed.db", fixed, 120);
	numbered("queue.db", queue, 120);
	numbered("heap.db", heap, 60);
	long_values("long.db", tree, 12);
	return 0;
}

/*
 * Makes an environment with a log of version 19, by the public interface of
 * libdb 5.3: for comparisons with its db_printlog.
 *
 *   make_log small FOLDER [big-endian|encrypted]
 *       records of nearly all types, in log files of 64 KiB; the password is "secret"
 *   make_log big FOLDER MEGABYTES
 *       many small transactions, in log files of 64 MiB
 *
 * FOLDER must exist and be empty. What is written is the same each time, but for
 * times and file ids.
 */
#include <db.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_FLAGS (DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_PRIVATE)

static DB_ENV *env;
static int order; /* 1234, 4321 */
static int encrypted;

static void must(int ret, const char *what)
{
	if (ret != 0) {
		fprintf(stderr, "make_log: %s: %s\n", what, db_strerror(ret));
		exit(1);
	}
}

/* An operation that may find nothing. */
static void may(int ret, const char *what)
{
	if (ret != DB_NOTFOUND && ret != DB_KEYEMPTY && ret != DB_KEYEXIST)
		must(ret, what);
}

static DB_TXN *begin(DB_TXN *parent)
{
	DB_TXN *txn;
	must(env->txn_begin(env, parent, &txn, 0), "begin");
	return txn;
}

static void commit(DB_TXN *txn) { must(txn->commit(txn, 0), "commit"); }
static void give_up(DB_TXN *txn) { must(txn->abort(txn), "abort"); }

static DBT dbt(const void *data, size_t size)
{
	DBT it;
	memset(&it, 0, sizeof it);
	it.data = (void *)data;
	it.size = (u_int32_t)size;
	return it;
}

/* Bytes that are text, or not, in lengths up to `size`. */
static DBT filled(unsigned seed, size_t size)
{
	static unsigned char buffer[1 << 16];
	size_t i;
	for (i = 0; i < size; i++)
		buffer[i] = seed % 3 == 0 ? (unsigned char)(seed * 31 + i * 17) : (unsigned char)('a' + (seed + i) % 26);
	return dbt(buffer, size);
}

typedef struct {
	DBTYPE type;
	const char *file, *name;
	u_int32_t flags; /* of set_flags */
	u_int32_t fixed, extent, region;
	int minkey;
} Plan;

static DB *open_db(const Plan *plan)
{
	DB *db;
	DB_TXN *txn = begin(NULL);
	must(db_create(&db, env, 0), "db_create");
	/* Pages of big-endian databases in memory are not listed right by db_printlog. */
	must(db->set_lorder(db, plan->file ? order : 1234), "set_lorder");
	must(db->set_pagesize(db, 512), "set_pagesize");
	if (plan->flags)
		must(db->set_flags(db, plan->flags), "set_flags");
	if (encrypted)
		must(db->set_flags(db, DB_ENCRYPT), "set_flags");
	if (plan->fixed)
		must(db->set_re_len(db, plan->fixed), "set_re_len");
	if (plan->extent)
		must(db->set_q_extentsize(db, plan->extent), "set_q_extentsize");
	if (plan->minkey)
		must(db->set_bt_minkey(db, plan->minkey), "set_bt_minkey");
	if (plan->region)
		must(db->set_heap_regionsize(db, plan->region), "set_heap_regionsize");
	must(db->open(db, txn, plan->file, plan->name, plan->type, DB_CREATE, 0), "open");
	commit(txn);
	return db;
}

static void close_db(DB *db) { must(db->close(db, 0), "close"); }

static void put(DB *db, DB_TXN *txn, const char *key, DBT value)
{
	DBT k = dbt(key, strlen(key));
	may(db->put(db, txn, &k, &value, 0), "put");
}

static void del(DB *db, DB_TXN *txn, const char *key)
{
	DBT k = dbt(key, strlen(key));
	may(db->del(db, txn, &k, 0), "del");
}

static char *key(const char *format, ...)
{
	static char text[4096];
	va_list list;
	va_start(list, format);
	vsnprintf(text, sizeof text, format, list);
	va_end(list);
	return text;
}

/* `count` pairs in transactions of ten, every fourth of which is aborted. */
static void fill(DB *db, unsigned count, size_t longest)
{
	unsigned i;
	DB_TXN *txn = NULL;
	for (i = 0; i < count; i++) {
		unsigned mixed = i * 2654435761u >> 8;
		if (i % 10 == 0)
			txn = begin(NULL);
		put(db, txn, key("key%05u", mixed % (count * 2)), filled(i, mixed % longest));
		if (i % 10 == 9 || i + 1 == count) {
			if (i / 10 % 4 == 3)
				give_up(txn);
			else
				commit(txn);
		}
	}
}

static void empty(DB *db, unsigned from, unsigned to)
{
	unsigned i;
	DB_TXN *txn = begin(NULL);
	for (i = from; i < to; i++)
		del(db, txn, key("key%05u", i));
	commit(txn);
}

static void compact(DB *db)
{
	DB_COMPACT what;
	DB_TXN *txn = begin(NULL);
	memset(&what, 0, sizeof what);
	what.compact_fillpercent = 90;
	must(db->compact(db, txn, NULL, NULL, &what, DB_FREE_SPACE, NULL), "compact");
	commit(txn);
}

static void truncate_db(DB *db)
{
	u_int32_t count;
	DB_TXN *txn = begin(NULL);
	must(db->truncate(db, txn, &count, 0), "truncate");
	commit(txn);
}

static void cursor_of(DB *db, DB_TXN *txn, DBC **cursor) { must(db->cursor(db, txn, cursor, 0), "cursor"); }

/* Few keys with many values each. */
static void duplicates(DB *db, unsigned count, size_t longest)
{
	unsigned i;
	DBC *cursor;
	DBT k, v;
	DB_TXN *txn = begin(NULL);
	for (i = 0; i < count; i++) {
		char value[512];
		unsigned mixed = i * 2654435761u >> 8;
		size_t size = (size_t)snprintf(value, sizeof value, "value %u of many, not the same%*s", mixed % 7777,
		    (int)(mixed % longest), "");
		put(db, txn, key("d%u", i % 3), dbt(value, size));
		if (i % 50 == 49) {
			commit(txn);
			txn = begin(NULL);
		}
	}
	cursor_of(db, txn, &cursor);
	memset(&k, 0, sizeof k);
	memset(&v, 0, sizeof v);
	for (i = 0; cursor->get(cursor, &k, &v, DB_NEXT) == 0; i++)
		if (i % 3 != 0)
			must(cursor->del(cursor, 0), "del of a duplicate");
	must(cursor->close(cursor), "close of a cursor");
	commit(txn);
}

/* Cursors of a parent that a nested transaction moves. */
static void nested(DB *db)
{
	DBC *cursor;
	DBT k, v;
	unsigned i;
	DB_TXN *parent = begin(NULL), *child;
	put(db, parent, "key00001", filled(1, 40));
	put(db, parent, "key00002", filled(2, 40));
	cursor_of(db, parent, &cursor);
	memset(&k, 0, sizeof k);
	memset(&v, 0, sizeof v);
	may(cursor->get(cursor, &k, &v, DB_LAST), "get");
	/* As long as a cursor stands on it a deleted item is only marked. */
	may(cursor->del(cursor, 0), "del at a cursor");
	for (i = 0; i < 6; i++) {
		unsigned j;
		child = begin(parent);
		for (j = 0; j < 20; j++)
			put(db, child, key("key%05u", i * 100 + j), filled(i + j, 60));
		for (j = 0; j < 5; j++)
			del(db, child, key("key%05u", i * 100 + j));
		if (i % 2)
			give_up(child);
		else
			commit(child);
	}
	must(cursor->close(cursor), "close of a cursor");
	commit(parent);
}

static void records(DB *db, unsigned count, size_t longest)
{
	unsigned i;
	DB_TXN *txn = begin(NULL);
	for (i = 0; i < count; i++) {
		db_recno_t number = 0;
		DBT k = dbt(&number, sizeof number), v = filled(i, longest == 0 ? 20 : i * 7919 % longest);
		k.ulen = sizeof number;
		k.flags = DB_DBT_USERMEM;
		must(db->put(db, txn, &k, &v, DB_APPEND), "append");
		if (i % 40 == 39) {
			if (i % 160 == 159)
				give_up(txn);
			else
				commit(txn);
			txn = begin(NULL);
		}
	}
	for (i = 1; i < count; i += 3) {
		db_recno_t number = i;
		DBT k = dbt(&number, sizeof number), v = filled(i + 1, 20);
		may(db->put(db, txn, &k, &v, 0), "put of a record");
		number = i / 2 + 1;
		may(db->del(db, txn, &k, 0), "del of a record");
	}
	commit(txn);
}

/* The same by record numbers. */
static void nested_records(DB *db)
{
	DBC *cursor, *other;
	DBT k, v;
	db_recno_t number = 5;
	unsigned i;
	DB_TXN *parent = begin(NULL);
	for (i = 0; i < 4; i++) {
		DB_TXN *child = begin(parent);
		cursor_of(db, parent, &cursor);
		cursor_of(db, child, &other);
		memset(&v, 0, sizeof v);
		k = dbt(&number, sizeof number);
		may(cursor->get(cursor, &k, &v, DB_SET), "get");
		may(other->get(other, &k, &v, DB_SET), "get");
		v = filled(i, 20);
		may(other->put(other, &k, &v, i % 2 ? DB_BEFORE : DB_AFTER), "put beside a cursor");
		may(other->del(other, 0), "del at a cursor");
		must(other->close(other), "close of a cursor");
		if (i < 3)
			commit(child);
		else
			give_up(child);
		must(cursor->close(cursor), "close of a cursor");
	}
	commit(parent);
}

static void consume(DB *db, unsigned count)
{
	DB_TXN *txn = begin(NULL);
	while (count-- > 0) {
		DBT k = dbt(NULL, 0), v = dbt(NULL, 0);
		may(db->get(db, txn, &k, &v, DB_CONSUME), "consume");
	}
	commit(txn);
}

static void heap(DB *db, unsigned count)
{
	static unsigned char ids[4096][DB_HEAP_RID_SZ];
	unsigned i;
	DB_TXN *txn = begin(NULL);
	for (i = 0; i < count; i++) {
		DBT k = dbt(ids[i], sizeof ids[i]), v = filled(i, 1 + i * 7919 % (i % 10 == 0 ? 1500 : 150));
		k.ulen = sizeof ids[i];
		k.flags = DB_DBT_USERMEM;
		must(db->put(db, txn, &k, &v, DB_APPEND), "append to a heap");
		if (i % 40 == 39) {
			commit(txn);
			txn = begin(NULL);
		}
	}
	for (i = 0; i < count; i += 2) {
		DBT k = dbt(ids[i], sizeof ids[i]);
		DBT v = filled(i, 30);
		if (i % 4 == 0)
			must(db->del(db, txn, &k, 0), "del in a heap");
		else
			must(db->put(db, txn, &k, &v, 0), "put in a heap");
	}
	commit(txn);
}

/* A value changed in its middle, and made longer and shorter. */
static void change(DB *db, const char *at)
{
	DB_TXN *txn = begin(NULL);
	DBT k = dbt(at, strlen(at)), v;
	put(db, txn, at, filled(1, 90));
	v = filled(5, 10);
	v.flags = DB_DBT_PARTIAL;
	v.doff = 30;
	v.dlen = 10;
	must(db->put(db, txn, &k, &v, 0), "partial put");
	v.dlen = 20;
	must(db->put(db, txn, &k, &v, 0), "partial put");
	put(db, txn, at, filled(3, 9000));
	put(db, txn, at, filled(4, 3));
	commit(txn);
}

/* A value that is logged whole, not as a change of the one before. */
static void fresh(DB *db, DB_TXN *txn, DBT value)
{
	del(db, txn, "fresh");
	put(db, txn, "fresh", value);
}

/* Values at the limits of what is printed as text. */
static void nearly_text(DB *db)
{
	static const unsigned sizes[] = {4, 7, 8, 16, 99, 100, 101, 102, 104, 150};
	unsigned i, j;
	unsigned char value[200];
	DB_TXN *txn = begin(NULL);
	for (i = 0; i < 256; i++) {
		memcpy(value, "?abc", 4);
		value[0] = (unsigned char)i;
		fresh(db, txn, dbt(value, 4));
		value[3] = 0;
		fresh(db, txn, dbt(value, 4));
	}
	for (i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (j = 0; j <= sizes[i]; j++) {
			memset(value, 't', sizeof value);
			memset(value, 1, j);
			fresh(db, txn, dbt(value, sizes[i]));
			value[sizes[i] - 1] = 0;
			fresh(db, txn, dbt(value, sizes[i]));
			memset(value, '\t', sizes[i] / 2);
			fresh(db, txn, dbt(value, sizes[i]));
			memset(value, 0, sizeof value);
			memset(value, 't', sizes[i] - j);
			fresh(db, txn, dbt(value, sizes[i]));
		}
	commit(txn);
}

static void application_records(void)
{
	unsigned char body[200];
	unsigned i;
	DB_LSN lsn;
	DBT record;
	DB_TXN *txn;
	for (i = 0; i < sizeof body; i++)
		body[i] = (unsigned char)i;
	/* Types from 10000 on belong to applications: 10001. The type is in the order of the log. */
	body[0] = 0x11, body[1] = 0x27, body[2] = 0, body[3] = 0;
	record = dbt(body, sizeof body);
	must(env->log_put(env, &lsn, &record, 0), "log_put");
	record = dbt("\x12\x27\0\0text, of a length without\n a meaning", 43);
	must(env->log_put(env, &lsn, &record, DB_FLUSH), "log_put");
	txn = begin(NULL);
	must(env->log_printf(env, txn, "a text of the application, number %d", 7), "log_printf");
	commit(txn);
}

static void make_small(void)
{
	static const Plan plain = {DB_BTREE, "plain.db"}, unsorted = {DB_BTREE, "unsorted.db", NULL, DB_DUP},
	    sorted = {DB_BTREE, "sorted.db", NULL, DB_DUPSORT}, counted = {DB_BTREE, "counted.db", NULL, DB_RECNUM},
	    hashed = {DB_HASH, "hash.db"}, hash_dups = {DB_HASH, "hashdups.db", NULL, DB_DUP},
	    hash_sorted = {DB_HASH, "hashsorted.db", NULL, DB_DUPSORT}, numbered = {DB_RECNO, "recno.db"},
	    renumbered = {DB_RECNO, "renumbered.db", NULL, DB_RENUMBER}, fixed = {DB_RECNO, "fixed.db", NULL, 0, 20},
	    queue = {DB_QUEUE, "queue.db", NULL, 0, 20}, extents = {DB_QUEUE, "extents.db", NULL, 0, 20, 2},
	    heaped = {DB_HEAP, "heap.db", NULL, 0, 0, 0, 4}, first = {DB_BTREE, "several.db", "first"},
	    second = {DB_HASH, "several.db", "second"}, third = {DB_RECNO, "several.db", "third"},
	    memory = {DB_BTREE, NULL, "in memory"}, checked = {DB_BTREE, "checked.db", NULL, DB_CHKSUM},
	    minkey = {DB_BTREE, "minkey.db", NULL, 0, 0, 0, 0, 6};
	static const Plan *trees[] = {&plain, &counted, &checked, &minkey, &first};
	unsigned i;
	DB *db, *later;
	DB_TXN *txn;
	u_int8_t gid[DB_GID_SIZE];

	for (i = 0; i < sizeof trees / sizeof *trees; i++) {
		db = open_db(trees[i]);
		fill(db, 300, i % 2 ? 60 : 1200);
		nested(db);
		change(db, "key00003");
		if (i == 0)
			nearly_text(db);
		empty(db, 0, 400);
		if (i == 0)
			must(env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint");
		fill(db, 100, 50);
		empty(db, 0, 60);
		compact(db);
		if (i % 2 == 0)
			truncate_db(db);
		close_db(db);
	}
	/* Keys so long that internal pages hold long items. */
	db = open_db(&plain);
	txn = begin(NULL);
	for (i = 0; i < 60; i++)
		put(db, txn, key("%03u%*s%u", i * 7 % 60, (int)(i * 97 % 900), "-", i), filled(i, i * 13 % 200));
	commit(txn);
	close_db(db);

	db = open_db(&unsorted);
	duplicates(db, 400, 30);
	fill(db, 60, 900);
	close_db(db);
	db = open_db(&sorted);
	duplicates(db, 400, 30);
	truncate_db(db);
	duplicates(db, 200, 400);
	close_db(db);

	db = open_db(&hashed);
	fill(db, 300, 300);
	fill(db, 30, 3000);
	nested(db);
	change(db, "key00003");
	empty(db, 0, 500);
	compact(db);
	fill(db, 40, 100);
	truncate_db(db);
	close_db(db);
	db = open_db(&hash_dups);
	duplicates(db, 300, 30);
	close_db(db);
	db = open_db(&hash_sorted);
	duplicates(db, 300, 30);
	close_db(db);

	db = open_db(&numbered);
	records(db, 300, 200);
	records(db, 10, 3000);
	close_db(db);
	db = open_db(&renumbered);
	records(db, 300, 100);
	nested_records(db);
	compact(db);
	truncate_db(db);
	close_db(db);
	db = open_db(&fixed);
	records(db, 120, 0);
	close_db(db);
	db = open_db(&queue);
	records(db, 120, 0);
	consume(db, 20);
	truncate_db(db);
	close_db(db);
	db = open_db(&extents);
	records(db, 200, 0);
	consume(db, 90);
	close_db(db);
	db = open_db(&heaped);
	heap(db, 400);
	truncate_db(db);
	heap(db, 20);
	close_db(db);

	db = open_db(&second);
	fill(db, 100, 100);
	close_db(db);
	db = open_db(&third);
	records(db, 100, 100);
	close_db(db);
	txn = begin(NULL);
	must(env->dbrename(env, txn, "several.db", "second", "renamed", 0), "dbrename of a database");
	must(env->dbremove(env, txn, "several.db", "third", 0), "dbremove of a database");
	must(env->dbrename(env, txn, "counted.db", NULL, "recounted.db", 0), "dbrename of a file");
	must(env->dbremove(env, txn, "extents.db", NULL, 0), "dbremove of a file");
	commit(txn);
	txn = begin(NULL);
	must(env->dbremove(env, txn, "fixed.db", NULL, 0), "dbremove of a file");
	give_up(txn);

	db = open_db(&memory);
	fill(db, 60, 100);
	close_db(db);
	txn = begin(NULL);
	must(env->dbrename(env, txn, NULL, "in memory", "elsewhere", 0), "dbrename in memory");
	must(env->dbremove(env, txn, NULL, "elsewhere", 0), "dbremove in memory");
	commit(txn);

	application_records();

	/* Open while records of prepared transactions and a checkpoint are written. */
	db = open_db(&plain);
	later = open_db(&hashed);
	for (i = 0; i < DB_GID_SIZE; i++)
		gid[i] = (u_int8_t)(i * 5);
	txn = begin(NULL);
	put(db, txn, "prepared", filled(3, 20));
	put(later, txn, "prepared", filled(4, 20));
	must(txn->prepare(txn, gid), "prepare");
	commit(txn);
	txn = begin(NULL);
	put(db, txn, "prepared", filled(5, 20));
	gid[0] = 99;
	must(txn->prepare(txn, gid), "prepare");
	must(env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint");
	give_up(txn);
	close_db(later);
	close_db(db);
}

static void make_big(unsigned long megabytes)
{
	unsigned long long bytes = 0, i;
	DB *db;
	must(db_create(&db, env, 0), "db_create");
	must(db->open(db, NULL, "big.db", NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT, 0), "open");
	for (i = 0;; i++) {
		unsigned mixed = (unsigned)i * 2654435761u;
		DB_TXN *txn = begin(NULL);
		unsigned j;
		for (j = 0; j < 1 + i % 3; j++) {
			put(db, txn, key("user.%08x.message.%u", mixed % 300007, j), filled((unsigned)i * 3 + 1 + j % 2, 20 + mixed % 300));
		}
		if (i % 50 == 49)
			give_up(txn);
		else
			commit(txn);
		if (i % 1000 == 999) {
			DB_LOG_STAT *stat;
			must(env->log_stat(env, &stat, 0), "log_stat");
			bytes = (unsigned long long)(stat->st_cur_file - 1) * (64u << 20) + stat->st_cur_offset;
			free(stat);
			if (bytes >= (unsigned long long)megabytes << 20)
				break;
		}
		if (i % 100000 == 99999)
			must(env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint");
	}
	close_db(db);
}

int main(int argc, char **argv)
{
	int small = argc >= 3 && strcmp(argv[1], "small") == 0;
	if (!small && !(argc == 4 && strcmp(argv[1], "big") == 0)) {
		fprintf(stderr, "usage: make_log small FOLDER [big-endian|encrypted] | big FOLDER MEGABYTES\n");
		return 2;
	}
	order = argc == 4 && strcmp(argv[3], "big-endian") == 0 ? 4321 : 1234;
	encrypted = argc == 4 && strcmp(argv[3], "encrypted") == 0;
	must(db_env_create(&env, 0), "db_env_create");
	if (encrypted)
		must(env->set_encrypt(env, "secret", DB_ENCRYPT_AES), "set_encrypt");
	env->set_errfile(env, stderr);
	must(env->set_cachesize(env, 0, small ? 4 << 20 : 512 << 20, 1), "set_cachesize");
	must(env->set_lg_bsize(env, small ? 16 << 10 : 4 << 20), "set_lg_bsize");
	must(env->set_lg_max(env, small ? 64 << 10 : 64 << 20), "set_lg_max");
	must(env->set_lk_max_locks(env, 20000), "set_lk_max_locks");
	must(env->set_lk_max_objects(env, 20000), "set_lk_max_objects");
	must(env->set_flags(env, DB_TXN_NOSYNC, 1), "set_flags");
	must(env->open(env, argv[2], ENV_FLAGS, 0), "open of the environment");
	if (small)
		make_small();
	else
		make_big(strtoul(argv[3], NULL, 10));
	must(env->close(env, 0), "close of the environment");
	return 0;
}

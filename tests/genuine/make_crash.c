/*
 * Works in an environment at random, by the public interface of libdb 5.3, and dies in the middle
 * of it: for comparisons with its db_recover.
 *
 *   make_crash FOLDER SEED [encrypted | slow]
 *
 * FOLDER must exist and be empty. What is done is the same each time for a seed, but for times and
 * file ids. The password is "secret". What is slow
 * takes some seconds.
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENV_FLAGS (DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_PRIVATE)
#define MOST 4

enum kind { PLAIN, UNSORTED, SORTED, NUMBERED, RECNO, HASH, HASH_SETS, QUEUE, EXTENTS, HEAP, SEVERAL, KINDS };

struct database {
	DB *db;
	enum kind kind;
	char name[32];
	int keys;
};

static DB_ENV *env;
static struct database all[MOST];
static int count, encrypted, page;
static unsigned long long state;

static unsigned below(unsigned limit)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned)(state >> 33) % limit;
}

static void must(int ret, const char *what)
{
	if (ret != 0) {
		fprintf(stderr, "make_crash: %s: %s\n", what, db_strerror(ret));
		exit(1);
	}
}

/* An operation that may find nothing, or too much. */
static int may(int ret, const char *what)
{
	if (ret != 0 && ret != DB_NOTFOUND && ret != DB_KEYEMPTY && ret != DB_KEYEXIST && ret != DB_HEAP_FULL)
		must(ret, what);
	return ret;
}

static DBT dbt(void *data, size_t size)
{
	DBT it;
	memset(&it, 0, sizeof it);
	it.data = data;
	it.size = (u_int32_t)size;
	return it;
}

static DB *open_one(DB_TXN *txn, const char *file, const char *inner, enum kind kind)
{
	DB *db;
	DBTYPE type = DB_BTREE;
	must(db_create(&db, env, 0), "create");
	if (inner == NULL)
		must(db->set_pagesize(db, page), "page size");
	switch (kind) {
	case UNSORTED: must(db->set_flags(db, DB_DUP), "flags"); break;
	case SORTED: must(db->set_flags(db, DB_DUPSORT), "flags"); break;
	case NUMBERED: must(db->set_flags(db, DB_RECNUM), "flags"); break;
	case RECNO: type = DB_RECNO; must(db->set_flags(db, DB_RENUMBER), "flags"); break;
	case HASH_SETS: must(db->set_flags(db, below(2) ? DB_DUP : DB_DUPSORT), "flags"); /* fall through */
	case HASH: type = DB_HASH; if (below(2)) must(db->set_h_ffactor(db, 2 + below(8)), "fill"); break;
	case EXTENTS: must(db->set_q_extentsize(db, 1 + below(3)), "extents"); /* fall through */
	case QUEUE: type = DB_QUEUE; must(db->set_re_len(db, 20), "length"); break;
	case HEAP: type = DB_HEAP; must(db->set_heap_regionsize(db, 4 + below(20)), "region"); break;
	default: break;
	}
	if (encrypted)
		must(db->set_flags(db, DB_ENCRYPT), "encrypt");
	else if (below(4) == 0 && inner == NULL)
		must(db->set_flags(db, DB_CHKSUM), "checksum");
	must(db->open(db, txn, file, inner, type, DB_CREATE, 0), "open");
	return db;
}

static DB_TXN *begin(DB_TXN *parent)
{
	DB_TXN *txn;
	must(env->txn_begin(env, parent, &txn, 0), "begin");
	return txn;
}

static void open_next(void)
{
	struct database *it = &all[count];
	DB_TXN *txn = begin(NULL);
	it->kind = (enum kind)below(KINDS);
	it->keys = 20 + below(200);
	snprintf(it->name, sizeof it->name, "d%d.db", count);
	it->db = open_one(txn, it->name, it->kind == SEVERAL ? "one" : NULL, it->kind == SEVERAL ? (enum kind)below(HASH_SETS + 1) : it->kind);
	if (it->kind == SEVERAL) {
		DB *other = open_one(txn, it->name, "two", (enum kind)below(HASH_SETS + 1));
		must(txn->commit(txn, 0), "commit");
		must(other->close(other, 0), "close");
	} else
		must(txn->commit(txn, 0), "commit");
	count++;
}

static void change(struct database *it, DB_TXN *txn)
{
	char text[64];
	static char bytes[9000];
	DBT key, data;
	DB_HEAP_RID rid;
	db_recno_t number;
	DB *db = it->db;
	DBTYPE type;
	unsigned length = below(10) == 0 ? below(4 * page > 9000 ? 9000 : 4 * page) : below(page / 6);
	must(db->get_type(db, &type), "type");
	memset(bytes, 'a' + below(26), length);
	data = dbt(bytes, length);
	if (type == DB_QUEUE) {
		data.size = below(21);
		memset(&key, 0, sizeof key);
		key.data = &number;
		key.ulen = key.size = sizeof number;
		key.flags = DB_DBT_USERMEM;
		switch (below(5)) {
		case 0: case 1: case 2: may(db->put(db, txn, &key, &data, DB_APPEND), "append"); return;
		case 3: {
			DBT got = dbt(NULL, 0);
			may(db->get(db, txn, &key, &got, DB_CONSUME), "consume");
			return;
		}
		default: number = 1 + below(it->keys); may(db->del(db, txn, &key, 0), "delete"); return;
		}
	}
	if (type == DB_HEAP) {
		memset(&key, 0, sizeof key);
		key.data = &rid;
		key.ulen = key.size = sizeof rid;
		key.flags = DB_DBT_USERMEM;
		if (below(3)) {
			may(db->put(db, txn, &key, &data, DB_APPEND), "append");
			return;
		}
		rid.pgno = 2 + below(6);
		rid.indx = (u_int16_t)below(6);
		may(db->del(db, txn, &key, 0), "delete");
		return;
	}
	if (type == DB_RECNO) {
		number = 1 + below(it->keys);
		key = dbt(&number, sizeof number);
		if (below(4) == 0)
			may(db->del(db, txn, &key, 0), "delete");
		else if (below(3) == 0)
			may(db->put(db, txn, &key, &data, 0), "put");
		else {
			key.ulen = key.size;
			key.flags = DB_DBT_USERMEM;
			may(db->put(db, txn, &key, &data, DB_APPEND), "append");
		}
		return;
	}
	snprintf(text, sizeof text, "key%05u", below(it->keys));
	if (below(30) == 0) {
		/* A key that needs pages of its own. */
		static char wide[3000];
		memset(wide, 'k', sizeof wide);
		memcpy(wide, text, strlen(text));
		key = dbt(wide, page < 2000 ? page : 1800);
	} else
		key = dbt(text, strlen(text));
	switch (below(9)) {
	case 0: case 1: may(db->del(db, txn, &key, 0), "delete"); return;
	case 2: {
		DBC *cursor;
		DBT got = dbt(NULL, 0), found = dbt(key.data, key.size);
		must(db->cursor(db, txn, &cursor, 0), "cursor");
		if (may(cursor->get(cursor, &found, &got, DB_SET), "get") == 0) {
			if (below(2))
				may(cursor->del(cursor, 0), "delete");
			else if (it->kind != SORTED && it->kind != HASH_SETS && it->kind != SEVERAL) {
				data.flags = DB_DBT_PARTIAL;
				data.doff = below(20);
				data.dlen = below(20);
				may(cursor->put(cursor, &found, &data, DB_CURRENT), "replace");
			}
		}
		must(cursor->close(cursor), "close cursor");
		return;
	}
	default: may(db->put(db, txn, &key, &data, 0), "put");
	}
}

static void transaction(void)
{
	DB_TXN *txn = begin(NULL), *child = NULL;
	unsigned steps = 1 + below(30), i;
	for (i = 0; i < steps; i++) {
		struct database *it = &all[below(count)];
		if (child == NULL && below(12) == 0 && it->kind != QUEUE && it->kind != EXTENTS)
			child = begin(txn);
		change(it, child != NULL ? child : txn);
		if (child != NULL && below(6) == 0) {
			must(below(3) ? child->commit(child, 0) : child->abort(child), "child");
			child = NULL;
		}
	}
	if (child != NULL)
		must(child->commit(child, 0), "child");
	switch (below(6)) {
	case 0: must(txn->abort(txn), "abort"); break;
	case 1: must(txn->commit(txn, DB_TXN_NOSYNC), "commit"); break;
	default: must(txn->commit(txn, 0), "commit");
	}
}

int main(int argc, char **argv)
{
	static const int sizes[] = {512, 512, 1024, 2048, 4096};
	int rounds, i, slow;
	DB_TXN *last;
	if (argc < 3)
		return 2;
	state = strtoull(argv[2], NULL, 10) * 2654435761ULL + 1;
	for (i = 0; i < 5; i++)
		below(2);
	encrypted = argc > 3 && strcmp(argv[3], "encrypted") == 0;
	slow = argc > 3 && strcmp(argv[3], "slow") == 0;
	page = sizes[below(5)];
	must(db_env_create(&env, 0), "environment");
	must(env->set_cachesize(env, 0, (256 + below(1024)) * 1024, 1), "cache");
	must(env->set_lg_bsize(env, 16 * 1024), "log buffer");
	must(env->set_lg_max(env, (64 + below(400)) * 1024), "log size");
	must(env->set_lk_max_locks(env, 20000), "locks");
	must(env->set_lk_max_objects(env, 20000), "locks");
	if (encrypted)
		must(env->set_encrypt(env, "secret", DB_ENCRYPT_AES), "password");
	must(env->open(env, argv[1], ENV_FLAGS, 0), "open environment");
	open_next();
	rounds = 10 + below(60);
	for (i = 0; i < rounds; i++) {
		if (slow)
			usleep(4000000 / rounds);
		if (count < MOST && below(8) == 0)
			open_next();
		transaction();
		switch (below(14)) {
		case 0: must(env->txn_checkpoint(env, 0, 0, 0), "checkpoint"); break;
		case 1: case 2: must(env->memp_sync(env, NULL), "sync"); break;
		case 3: {
			struct database *it = &all[below(count)];
			DBTYPE type;
			must(it->db->get_type(it->db, &type), "type");
			if (type == DB_BTREE || type == DB_RECNO || type == DB_HASH) {
				DB_TXN *txn = begin(NULL);
				DB_COMPACT how;
				memset(&how, 0, sizeof how);
				how.compact_fillpercent = 60;
				must(it->db->compact(it->db, txn, NULL, NULL, &how, DB_FREE_SPACE, NULL), "compact");
				must(below(3) ? txn->commit(txn, 0) : txn->abort(txn), "compact");
			}
			break;
		}
		case 4: {
			/* A file that is made, named anew and removed. */
			char name[32], other[32];
			DB_TXN *txn = begin(NULL);
			DB *db;
			snprintf(name, sizeof name, "t%d.db", i);
			snprintf(other, sizeof other, "u%d.db", i);
			db = open_one(txn, name, NULL, (enum kind)below(QUEUE));
			must(below(3) ? txn->commit(txn, 0) : txn->abort(txn), "make");
			must(db->close(db, 0), "close");
			txn = begin(NULL);
			if (env->dbrename(env, txn, name, NULL, other, 0) == 0) {
				must(below(3) ? txn->commit(txn, 0) : txn->abort(txn), "rename");
				txn = begin(NULL);
				if (below(2) && env->dbremove(env, txn, other, NULL, 0) == 0)
					must(below(3) ? txn->commit(txn, 0) : txn->abort(txn), "remove");
				else
					must(txn->abort(txn), "abort");
			} else
				must(txn->abort(txn), "abort");
			break;
		}
		}
	}
	/* Dies in the middle of a transaction, what is in memory partly written. */
	last = begin(NULL);
	for (i = below(20); i > 0; i--)
		change(&all[below(count)], last);
	if (below(4) == 0) {
		u_int8_t gid[DB_GID_SIZE];
		memset(gid, 7, sizeof gid);
		must(last->prepare(last, gid), "prepare");
	}
	if (below(2))
		must(env->log_flush(env, NULL), "flush");
	if (below(3) == 0)
		must(env->memp_sync(env, NULL), "sync");
	_exit(0);
}

/*
 * Opens an environment as its application does after a crash, with DB_RECOVER, by the public interface
 * of libdb 5.3; adds 50 records to each database, in transactions, and closes it.
 *
 *   go_on FOLDER FILE[:DATABASE]...
 *
 * An encrypted environment needs its password in the variable PASSWORD.
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (DB_CREATE | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_INIT_TXN | DB_PRIVATE | DB_RECOVER)

static int put(DB *db, DB_TXN *txn, DBTYPE type, int n)
{
	DBT key, data;
	DB_HEAP_RID rid;
	db_recno_t number = 0;
	char name[32];
	memset(&key, 0, sizeof key);
	memset(&data, 0, sizeof data);
	data.data = "of later";
	data.size = 8;
	if (type == DB_BTREE || type == DB_HASH) {
		key.size = (u_int32_t)sprintf(name, "later %d", n);
		key.data = name;
		return db->put(db, txn, &key, &data, 0);
	}
	key.data = type == DB_HEAP ? (void *)&rid : (void *)&number;
	key.ulen = key.size = type == DB_HEAP ? sizeof rid : sizeof number;
	key.flags = DB_DBT_USERMEM;
	return db->put(db, txn, &key, &data, DB_APPEND);
}

int main(int argc, char **argv)
{
	DB_ENV *env;
	DB *db;
	DB_TXN *txn;
	DBTYPE type;
	char *inner;
	int error, n, of;

	if (argc < 3) return 2;
	if ((error = db_env_create(&env, 0)) != 0) goto failed;
	env->set_errfile(env, stderr);
	if (getenv("PASSWORD") != NULL &&
	    (error = env->set_encrypt(env, getenv("PASSWORD"), DB_ENCRYPT_AES)) != 0) goto failed;
	if ((error = env->open(env, argv[1], FLAGS, 0)) != 0) goto failed;
	for (of = 2; of < argc; of++) {
		if ((error = db_create(&db, env, 0)) != 0) goto failed;
		if ((inner = strchr(argv[of], ':')) != NULL)
			*inner++ = 0;
		error = db->open(db, NULL, argv[of], inner, DB_UNKNOWN, DB_AUTO_COMMIT, 0);
		if (error != 0) goto failed;
		if ((error = db->get_type(db, &type)) != 0) goto failed;
		for (n = 0; n < 50; n++) {
			if ((error = env->txn_begin(env, NULL, &txn, 0)) != 0) goto failed;
			if ((error = put(db, txn, type, n)) != 0) goto failed;
			if ((error = txn->commit(txn, 0)) != 0) goto failed;
		}
		if ((error = db->close(db, 0)) != 0) goto failed;
	}
	if ((error = env->txn_checkpoint(env, 0, 0, DB_FORCE)) != 0) goto failed;
	if ((error = env->close(env, 0)) != 0) goto failed;
	return 0;
failed:
	fprintf(stderr, "go_on: %s\n", db_strerror(error));
	return 1;
}

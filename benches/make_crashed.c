/* Makes a large environment that its program left without a word: databases of every method, most
 * of whose changes are in the log only.
 *
 * usage: make_crashed FOLDER MEGABYTES
 */
#include <db.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATABASES 6

static unsigned long long seed = 7;

static unsigned roll(unsigned limit) {
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
    return (unsigned)(seed >> 33) % limit;
}

static void must(int error, const char *what) {
    if (error != 0) {
        fprintf(stderr, "make_crashed: %s: %s\n", what, db_strerror(error));
        exit(1);
    }
}

static void fill(DBT *dbt, void *data, size_t size) {
    memset(dbt, 0, sizeof *dbt);
    dbt->data = data;
    dbt->size = (u_int32_t)size;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: make_crashed FOLDER MEGABYTES\n");
        return 2;
    }
    unsigned long long wanted = strtoull(argv[2], NULL, 10) * 1000000ULL;
    DB_ENV *env;
    must(db_env_create(&env, 0), "db_env_create");
    must(env->set_cachesize(env, 0, 256 << 20, 1), "set_cachesize");
    must(env->set_lg_max(env, 10 << 20), "set_lg_max");
    must(env->set_lg_bsize(env, 2 << 20), "set_lg_bsize");
    must(env->set_flags(env, DB_TXN_WRITE_NOSYNC, 1), "set_flags");
    u_int32_t flags = DB_CREATE | DB_INIT_MPOOL | DB_INIT_LOG | DB_INIT_TXN | DB_INIT_LOCK | DB_PRIVATE;
    must(env->open(env, argv[1], flags, 0), "open the environment");
    static const DBTYPE types[DATABASES] = {DB_BTREE, DB_BTREE, DB_BTREE, DB_BTREE, DB_HASH, DB_QUEUE};
    DB *dbs[DATABASES];
    for (int i = 0; i < DATABASES; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.db", i);
        must(db_create(&dbs[i], env, 0), "db_create");
        if (types[i] == DB_QUEUE)
            must(dbs[i]->set_re_len(dbs[i], 100), "set_re_len");
        must(dbs[i]->open(dbs[i], NULL, name, NULL, types[i], DB_CREATE | DB_AUTO_COMMIT, 0), "open");
    }
    must(env->txn_checkpoint(env, 0, 0, DB_FORCE), "checkpoint");
    for (unsigned long long done = 0;; done++) {
        DB_TXN *txn;
        must(env->txn_begin(env, NULL, &txn, 0), "txn_begin");
        for (int step = 0; step < 20; step++) {
            int which = (int)roll(DATABASES);
            DB *db = dbs[which];
            char key[32], value[400];
            DBT k, v;
            size_t size = types[which] == DB_QUEUE ? 100 : 20 + roll(200);
            memset(value, 'a' + (int)roll(26), size);
            snprintf(value, 20, "%u", roll(1u << 30));
            fill(&v, value, size);
            if (types[which] == DB_QUEUE) {
                db_recno_t number;
                fill(&k, &number, sizeof number);
                k.ulen = sizeof number;
                k.flags = DB_DBT_USERMEM;
                must(db->put(db, txn, &k, &v, DB_APPEND), "append");
                continue;
            }
            snprintf(key, sizeof key, "key %010u", roll(400000));
            fill(&k, key, strlen(key));
            if (roll(8) == 0) {
                int error = db->del(db, txn, &k, 0);
                must(error == DB_NOTFOUND ? 0 : error, "del");
            } else {
                must(db->put(db, txn, &k, &v, 0), "put");
            }
        }
        must(roll(20) == 0 ? txn->abort(txn) : txn->commit(txn, 0), "end");
        if (done % 256 == 0) {
            DB_LOG_STAT *stat;
            must(env->log_stat(env, &stat, 0), "log_stat");
            unsigned long long written = (unsigned long long)(stat->st_cur_file - 1) * (10 << 20) + stat->st_cur_offset;
            free(stat);
            if (written >= wanted)
                break;
        }
    }
    must(env->log_flush(env, NULL), "log_flush");
    _exit(0);
}

// Package gc removes from fleet's registry the contents of units that no unit has any
// more. fleet keeps them for ever (registry/unit.go of v1.0.0 has a TODO where it should
// remove them), and every agent, the engine and every list read all of them each time.
//
// fleet writes a unit in steps: its content, unless that is there already, under
// PREFIX/unit/HASH; then its job, which names the content by its hash, under
// PREFIX/job/NAME/object; then its desired state. etcd's v2 API compares and swaps one
// key at a time, so that nothing can remove a content on the condition that no job
// names it, and a client whose first step has found the content there may take its
// second step after the content was removed. The package is built around that:
//
//   - It follows every change of the jobs from before it looks at contents until after
//     it has removed the last one. A content that any job has named at any moment of
//     that time stays. Before the first removal some time passes: who read the jobs
//     before has read the contents by then.
//   - The jobs are read again before each batch of removals, through etcd's quorum, and
//     after it. Each removal compares the content's index.
//   - Who can be asked is: a run of stackc reserves what it writes, and waits for the
//     end of a batch that goes on; see [Reserve]. Its units never miss their contents.
//   - Before a batch is removed its contents are written into a journal in etcd. When a
//     job of another client names a removed content, that is written again at once, from
//     memory; the journal is for the next run if this one is killed, and for [Mend].
//     Journals are kept until a client that was between its steps must have taken the
//     second one.
//
// What is removed is old enough on top of it: etcd keeps no times, and so each run notes
// etcd's index together with etcd's time. A content whose index is at most one that was
// noted before a certain time is older than that.
package gc

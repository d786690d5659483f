//! `reissue`: a sheet that was destroyed is made anew from k others, with the next letter and a token of its own.
//!
//! Nobody gets a further share out of it: only a number whose paper is gone before witnesses, never one that is lost,
//! stolen or in doubt, whose finder would hold a share that still works.

use super::ask;
use super::locks;
use super::papers::{self, Press, delete_papers, papers_folder, write_papers};
use super::recorder::written;
use super::rehearsal::{self, Rehearsal, Wanted};
use super::split::{lock_all, read_back};
use super::{Context, people};
use crate::cli::{Media, Reissue};
use crate::dealing;
use crate::exit::Exit;
use crate::files;
use crate::kit::Kit;
use crate::logbook::{Draft, Person};
use crate::method::Method;
use crate::opening::Opened;
use crate::rng;
use crate::set::SheetId;
use crate::state::{Fate, Set, State};
use crate::ui::{Failure, Ui};

/// What OPENING records say of it.
const KIND: &str = "reissue";

pub(super) fn run(context: &Context, args: &Reissue) -> Result<Exit, Failure> {
    let kit = context.kit()?;
    let (state, _) = State::of_book(&kit.logbook())?;
    let order = order(&kit, &state, args)?;
    let ui = &context.ui;
    ui.must_say(&format!(
        "Sheet {} of generation {} was destroyed; {} takes its place, for {}",
        order.destroyed, order.generation, order.sheet, order.holder
    ));
    let press = match args.media {
        Media::File => Press::File,
        Media::Paper => Press::on_paper(ui, &kit, &order.method, args.paper.map(papers::size))?,
    };
    let folder = papers_folder(&kit, args.output.as_deref())?;
    let why = why(ui, args)?;
    let rehearsal =
        rehearsal::gather(context, &args.intake, &args.ink, args.time.as_deref(), Wanted::Quorum)?;
    rehearsal.refuse_other_than(Some(&order.code))?;
    if rehearsal.sheets().iter().any(|sheet| sheet.id() == order.destroyed) {
        let message = format!("sheet {} is here: it was not destroyed", order.destroyed);
        return Err(Failure::new(Exit::No, message).hint(
            "lock it away again and record that, `breakglass log add STORE`; nothing was made",
        ));
    }
    let go_on = "Enter to open the set and record that, Ctrl-C to stop: ";
    let exceptions = rehearsal.exceptions(context, args.exception.as_deref(), go_on)?;
    let (_, opened) = rehearsal.open(context, exceptions, KIND)?;
    make(context, &order, &press, &folder, (&rehearsal, &opened), &why)?;
    let code = &order.code;
    let deed =
        if matches!(press, Press::File) { "copy it onto its stick or card" } else { "print it" };
    context.hint(&format!(
        "{deed}, scan it back with `breakglass confirm SCAN`, and lock it away; then delete `{}` ({code}). \
         The sheets that were opened for it go into new bags (`breakglass log add STORE`); label, card and receipt: `breakglass print --for NAME -o DIR`",
        folder.display()
    ));
    Ok(Exit::Done)
}

/// What is to be made.
struct Order {
    /// Set code.
    code: String,
    generation: u32,
    destroyed: SheetId,
    sheet: SheetId,
    holder: Person,
    /// As it was dealt, with the holder of this one sheet alone.
    method: Method,
}

/// Finds the set, and refuses what must not be made anew.
fn order(kit: &Kit, state: &State, args: &Reissue) -> Result<Order, Failure> {
    let destroyed = SheetId::parse(&args.destroyed).ok_or_else(|| {
        Failure::invalid(format!("`{}` is no sheet: write it like 2a", args.destroyed))
    })?;
    let mut alive = state.sets.iter().rev().filter(|set| state.stage(set).is_alive());
    let set = alive.find(|set| set.is_confirmed()).ok_or_else(|| {
        Failure::new(Exit::No, "no set is in use: there is nothing to make anew")
            .hint("`breakglass split` or `breakglass rotate` deals the next one")
    })?;
    refuse(set, destroyed)?;
    let copies = set.sheets.keys().filter(|id| id.x() == destroyed.x()).map(|id| id.copy());
    let sheet = copies.max().and_then(|last| SheetId::new(destroyed.x(), last + 1));
    let sheet = sheet.ok_or_else(|| {
        Failure::new(Exit::No, format!("share {} has every letter: deal a new set", destroyed.x()))
    })?;
    let mut method = kit.method_of(&set.code).ok_or_else(|| {
        Failure::invalid("the kit has no method file as this set was dealt with")
            .hint("bring the folder `sets` of this kit back")
    })?;
    let holder = match &args.custodian {
        Some(text) => {
            Person::parse(text).map_err(|e| Failure::invalid(format!("`--custodian`: {e}")))?
        }
        None => people::holder(Some(set), Some(&method), destroyed).ok_or_else(|| {
            Failure::invalid(format!("nobody knows who held sheet {destroyed}"))
                .hint("say who gets the new one with `--custodian NAME (ID)`")
        })?,
    };
    // what the method says of the share: its lock, its site, its language
    let mut of_share = method.custodians.iter().filter(|c| c.sheet.x() == destroyed.x());
    let same = of_share.clone().find(|c| c.sheet == destroyed);
    let Some(mut custodian) = same.or_else(|| of_share.next()).cloned() else {
        return Err(Failure::invalid(format!("the method knows no share {}", destroyed.x())));
    };
    if custodian.id != holder.id && custodian.lock.is_some() {
        return Err(Failure::new(
            Exit::No,
            format!(
                "sheet {destroyed} is locked for {}: another holder needs another lock",
                custodian.name
            ),
        )
        .hint("deal a new set with their lock in method.toml"));
    }
    custodian.sheet = sheet;
    custodian.name.clone_from(&holder.name);
    custodian.id.clone_from(&holder.id);
    method.custodians = vec![custodian];
    let (code, generation) = (set.code.clone(), set.generation);
    Ok(Order { code, generation, destroyed, sheet, holder, method })
}

/// Only what was destroyed before witnesses is made anew.
fn refuse(set: &Set, sheet: SheetId) -> Result<(), Failure> {
    let no = |message: String| Err(Failure::new(Exit::No, message));
    let generation = set.generation;
    if set.compromised.is_some() {
        return no(format!("generation {generation} is compromised"))
            .map_err(|failure| failure.hint("`breakglass rotate` puts a new one in its place"));
    }
    let Some(known) = set.sheets.get(&sheet) else {
        return no(format!("generation {generation} has no sheet {sheet}"));
    };
    let gone = match known.fate {
        Fate::Destroyed(_) => {
            let other = |(id, other): (&SheetId, &crate::state::Sheet)| {
                (id.x() == sheet.x() && id.copy() > sheet.copy() && other.reissued.is_some())
                    .then_some(*id)
            };
            return match set.sheets.iter().find_map(other) {
                Some(other) => no(format!("sheet {other} took the place of {sheet} already")),
                None => Ok(()),
            };
        }
        Fate::Kept => {
            return no(format!("sheet {sheet} was not destroyed, by the records")).map_err(
                |failure| {
                    failure.hint(
                        "destroy it before witnesses and record that: `breakglass log add DESTROY`",
                    )
                },
            );
        }
        Fate::Lost(record, _) => format!("is lost (record {record})"),
        Fate::Tampered(record, _) => format!("is in doubt (record {record})"),
    };
    no(format!(
        "sheet {sheet} {gone}: whoever has it keeps a share that works, and a new one would be one more"
    ))
    .map_err(|failure| failure.hint("deal a new set and put it in the place of this one: `breakglass rotate`"))
}

fn why(ui: &Ui, args: &Reissue) -> Result<String, Failure> {
    let given = args.why.clone().or_else(|| args.exception.clone().filter(|_| !ui.can_ask()));
    let text = ask::answer(ui, given.as_deref(), "Why is it made anew? ", "--why")?;
    ask::exception_reason(&text)
}

/// Records that the sheet comes, writes it, and reads it back.
fn make(
    context: &Context,
    order: &Order,
    press: &Press,
    folder: &std::path::Path,
    (rehearsal, opened): (&Rehearsal, &Opened),
    why: &str,
) -> Result<(), Failure> {
    let (case, ui) = (&rehearsal.case, &context.ui);
    let share = case.share_anew(order.sheet.x()).filter(|_| opened.dealt_wrong.is_empty());
    let share = share.ok_or_else(|| {
        Failure::new(Exit::No, "the set was dealt wrong: no share of it is made anew")
            .hint("`breakglass rotate` puts a new set in its place")
    })?;
    let passphrases = locks::new_passphrases(ui, &order.method)?;
    let mut dealt = dealing::further(case, share, order.sheet.copy(), &mut rng::os());
    lock_all(context, &mut dealt, &order.method, &passphrases)?;
    let papers = press.render(&dealt, &order.method)?;
    let media = press.media(&order.method)?;
    files::make_private_folder(folder)?;
    let program = context.signature();
    let about = (&case.manifest, case.code);
    let reissue = Draft::reissue(
        rehearsal.when,
        &program,
        about,
        &dealt.sheets,
        &media,
        (&order.holder, why),
    );
    let recorded = written(ui, &rehearsal.book, &[reissue], &[])?;
    let done = write_papers(folder, &papers).and_then(|()| {
        read_back(context, &dealt, &opened.credential, folder, &papers, case.good())
    });
    if let Err(failure) = done {
        let left = delete_papers(folder, &papers);
        let subject = rehearsal.subject();
        let void = Draft::void(
            rehearsal.when,
            &program,
            &subject,
            recorded.last().copied(),
            &failure.message,
        );
        written(ui, &rehearsal.book, &[void], &[])?;
        for paper in left {
            ui.warn(&format!("`{paper}` could not be deleted: destroy it"));
        }
        return Err(failure);
    }
    for (name, _) in &papers {
        ui.say(&format!("  {:<40} for {}", folder.join(name).display(), order.holder.name));
    }
    Ok(())
}

use aksara::prelude::*;

struct Plain;

async fn read(db: &Db) {
    let _ = Plain::objects(db);
}

#[pre_save(Plain)]
async fn handler(event: PreSave<'_, Plain>) -> HandlerResult {
    Ok(())
}

fn main() {}

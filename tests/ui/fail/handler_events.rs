use aksara::prelude::*;

#[derive(Model, Clone)]
struct Post {
    id: i64,
}

#[derive(Model, Clone)]
struct Tag {
    id: i64,
}

#[pre_save(Post)]
async fn of_another_model(event: PreSave<'_, Tag>) -> HandlerResult {
    Ok(())
}

#[pre_save(Post)]
async fn of_another_signal(event: PostSave<'_, Post>) -> HandlerResult {
    Ok(())
}

#[post_save(Post)]
async fn changes_what_was_written(event: PostSave<'_, Post>) -> HandlerResult {
    event.instance.id = 3;
    Ok(())
}

fn main() {}

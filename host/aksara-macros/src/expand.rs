//! A model's schema as code.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{DeriveInput, Error, Expr, ExprLit, Lit, LitStr};

use crate::schema::{Field, Relation, Schema};

pub(crate) fn model(schema: &Schema<'_>) -> TokenStream {
    let parts = [columns(schema), default(schema), implementation(schema)];
    quote! { #(#parts)* }
}

/// What stands in for a model that was refused, so that rustc does not add that the trait is missing.
pub(crate) fn refused(input: &DeriveInput, error: &Error) -> TokenStream {
    let errors = error.to_compile_error();
    let ident = &input.ident;
    let (generics, types, condition) = input.generics.split_for_impl();
    quote! {
        #errors
        impl #generics ::core::default::Default for #ident #types #condition {
            fn default() -> Self {
                ::core::unreachable!()
            }
        }
    }
}

fn columns(schema: &Schema<'_>) -> TokenStream {
    let Schema { ident, vis, .. } = schema;
    let columns = schema.fields.iter().enumerate().map(|(index, Field { ident: field, ty, .. })| {
        let doc = format!("The column of the field `{field}`.");
        quote! {
            #[doc = #doc]
            #vis const #field: ::aksara::codegen::Column<#ident, #ty> = ::aksara::codegen::Column::new(#index);
        }
    });
    let relations =
        schema.relations.iter().enumerate().map(|(index, Relation { ident: field, target, .. })| {
            let doc = format!("The relation `{field}`.");
            quote! {
                #[doc = #doc]
                #vis const #field: ::aksara::codegen::Relation<#ident, #target> =
                    ::aksara::codegen::Relation::new(#index);
            }
        });
    quote! {
        #[allow(non_upper_case_globals, dead_code)]
        impl #ident {
            #(#columns)*
            #(#relations)*
        }
    }
}

fn default(schema: &Schema<'_>) -> TokenStream {
    let ident = schema.ident;
    let fields = schema.fields.iter().map(|Field { ident, ty, default, .. }| match default {
        // A literal of text stands for a `String`.
        Some(Expr::Lit(ExprLit { lit: Lit::Str(text), .. })) => quote! { #ident: #text.into() },
        Some(default) => quote! { #ident: #default },
        None => quote_spanned! { ty.span() => #ident: <#ty as ::core::default::Default>::default() },
    });
    let relations = schema.relations.iter().map(|relation| relation.ident);
    quote! {
        impl ::core::default::Default for #ident {
            fn default() -> Self {
                Self { #(#fields,)* #(#relations: ::core::default::Default::default()),* }
            }
        }
    }
}

fn implementation(schema: &Schema<'_>) -> TokenStream {
    let Schema { ident, fields, key, .. } = schema;
    let meta = meta(schema);
    let key_field = &fields[*key];
    let (key_ident, key_type) = (key_field.ident, key_field.ty);
    let index: Vec<usize> = (0..fields.len()).collect();
    let name: Vec<_> = fields.iter().map(|field| field.ident).collect();
    let relations: Vec<_> = schema.relations.iter().map(|relation| relation.ident).collect();
    let out_of_range = format!("`{}` has {} fields", schema.label, fields.len());
    quote! {
        impl ::aksara::codegen::Model for #ident {
            type Key = #key_type;

            fn meta() -> &'static ::aksara::codegen::ModelMeta {
                #meta
            }

            fn key(&self) -> &#key_type {
                // Relations hold nothing; this keeps rustc from calling them unused.
                #(let _ = &self.#relations;)*
                &self.#key_ident
            }

            fn value(&self, index: usize) -> ::aksara::codegen::Value {
                match index {
                    #(#index => ::aksara::codegen::FieldType::to_value(&self.#name),)*
                    _ => ::core::panic!(#out_of_range),
                }
            }

            fn set_value(
                &mut self,
                index: usize,
                value: ::aksara::codegen::Value,
            ) -> ::core::result::Result<(), ::aksara::codegen::Value> {
                match index {
                    #(#index => self.#name = ::aksara::codegen::FieldType::from_value(value)?,)*
                    _ => ::core::panic!(#out_of_range),
                }
                ::core::result::Result::Ok(())
            }

            fn from_row(
                row: &::aksara::codegen::Row,
            ) -> ::core::result::Result<Self, ::aksara::codegen::Error> {
                ::core::result::Result::Ok(Self {
                    #(#name: row.get(#index)?,)*
                    #(#relations: ::core::default::Default::default()),*
                })
            }
        }

        ::aksara::codegen::inventory::submit! {
            ::aksara::codegen::ModelEntry(<#ident as ::aksara::codegen::Model>::meta)
        }
    }
}

/// The body of `meta()`.
fn meta(schema: &Schema<'_>) -> TokenStream {
    let Schema { ident, label, table, key, .. } = schema;
    let fields = schema.fields.iter().map(field);
    let indexes = schema.indexes.iter().map(|(fields, unique)| {
        quote! { ::aksara::codegen::IndexMeta { fields: &[#(#fields),*], unique: #unique } }
    });
    let joins = schema.relations.iter().map(|Relation { ident: field, target, table, columns, explicit }| {
        let label = format!("{label}.{field}");
        let [own, other] = columns;
        quote! {
            ::aksara::codegen::JoinMeta {
                label: #label,
                table: #table,
                source: (<#ident as ::aksara::codegen::Model>::meta, #own),
                target: (<#target as ::aksara::codegen::Model>::meta, #other),
                explicit: #explicit,
            }
        }
    });
    let key_type = schema.fields[*key].ty;
    let key_source = match schema.fields[*key].given {
        true => quote! { ::aksara::codegen::KeySource::Given },
        false => quote! { <#key_type as ::aksara::codegen::KeyType>::SOURCE },
    };
    quote! {
        static META: ::aksara::codegen::ModelMeta = ::aksara::codegen::ModelMeta {
            label: #label,
            table: #table,
            fields: &[#(#fields),*],
            key: #key,
            key_source: #key_source,
            indexes: &[#(#indexes),*],
            joins: &[#(#joins),*],
            instance_from_row: ::aksara::codegen::instance_from_row::<#ident>,
            new_instance: ::aksara::codegen::new_instance::<#ident>,
            connected: ::aksara::codegen::AtomicU32::new(0),
            statements: ::aksara::codegen::Statements::new(),
        };
        &META
    }
}

fn field(field: &Field<'_>) -> TokenStream {
    let Field { ty, name, unique, index, auto_now, auto_now_add, .. } = field;
    let name = LitStr::new(name, Span::call_site());
    let max_length = option(field.max_length.map(|max| quote! { #max }));
    let choices = &field.choices;
    let on_delete = format_ident!("{}", field.on_delete.variant());
    let reference = option(field.target.map(|target| {
        quote! {
            ::aksara::codegen::Reference {
                model: <#target as ::aksara::codegen::Model>::meta,
                on_delete: ::aksara::codegen::OnDelete::#on_delete,
            }
        }
    }));
    let kind = quote_spanned! { ty.span() => <#ty as ::aksara::codegen::FieldType>::KIND };
    let nullable = quote_spanned! { ty.span() => <#ty as ::aksara::codegen::FieldType>::NULLABLE };
    quote! {
        ::aksara::codegen::FieldMeta {
            name: #name,
            kind: #kind,
            nullable: #nullable,
            max_length: #max_length,
            choices: &[#(#choices),*],
            unique: #unique,
            indexed: #index,
            auto_now: #auto_now,
            auto_now_add: #auto_now_add,
            reference: #reference,
        }
    }
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote! { ::core::option::Option::Some(#value) },
        None => quote! { ::core::option::Option::None },
    }
}

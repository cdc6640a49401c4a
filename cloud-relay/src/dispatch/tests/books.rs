//! The books of the store as a model: it keeps none, because dispatch never asks for any.

use std::collections::BTreeMap;

use async_trait::async_trait;
use protocol::id::{RegisterId, StoreId};
use protocol::time::BusinessDate;

use super::memory::{Memory, refused};
use crate::reconcile::figures::{Declared, Place, RegisterDay};
use crate::store::StoreError;
use crate::store::books::{Books, CertificateRow};
use crate::store::model::HeldEvent;

#[async_trait]
impl Books for Memory {
    async fn register_days(
        &self,
        _: &StoreId,
        _: BusinessDate,
    ) -> Result<BTreeMap<RegisterId, RegisterDay>, StoreError> {
        refused()
    }
    async fn register_day_before(
        &self,
        _: &StoreId,
        _: &RegisterId,
        _: BusinessDate,
    ) -> Result<Option<(BusinessDate, RegisterDay)>, StoreError> {
        refused()
    }
    async fn business_dates(
        &self,
        _: Option<&StoreId>,
        _: BusinessDate,
        _: BusinessDate,
    ) -> Result<Vec<(StoreId, BusinessDate)>, StoreError> {
        refused()
    }
    async fn events_of_day(
        &self,
        _: &StoreId,
        _: &RegisterId,
        _: BusinessDate,
    ) -> Result<Vec<HeldEvent>, StoreError> {
        refused()
    }
    async fn declare_numbers(&self, _: &StoreId, _: &Place, _: Declared) -> Result<(), StoreError> {
        refused()
    }
    async fn add_certificate(&self, _: CertificateRow) -> Result<(), StoreError> {
        refused()
    }
    async fn certificates(
        &self,
        _: &StoreId,
        _: BusinessDate,
    ) -> Result<Vec<CertificateRow>, StoreError> {
        refused()
    }
    async fn certificate_before(
        &self,
        _: &StoreId,
        _: BusinessDate,
    ) -> Result<Option<CertificateRow>, StoreError> {
        refused()
    }
}
